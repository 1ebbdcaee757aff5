"""`python -m training`."""

if __name__ == "__main__":
    # Here, since the processes that draw scenes import this file too, and need no torch.
    from training.train import main

    main()
