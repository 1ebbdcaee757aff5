"""What every call goes through before and after its handler: limits, masks, entity tags, short cuts, common headers."""
