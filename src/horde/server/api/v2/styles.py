"""Styles for images and texts. Source: contract/api-v2.md, section 10."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from horde.errors import Missing
from horde.kinds import image, text
from horde.server.accounts.keys import authenticate
from horde.server.api.auth import ApiKey
from horde.server.api.body import StrictJson
from horde.server.api.connection import AnyRequest, Ctx
from horde.server.api.v2 import styles_translate as translate
from horde.server.context import Context
from horde.server.styles import examples
from horde.server.styles.manage import change_style, check_counts, delete_style, make_style
from horde.server.styles.read import page_of_styles, style_by_id, style_by_name
from horde.server.styles.refusals import ImageStyleNotFound, TextStyleNotFound
from horde.wire import v2_styles

MISSING: dict[str, type[Missing]] = {image.NAME: ImageStyleNotFound, text.NAME: TextStyleNotFound}
"""What reading and deleting say of a style that is not there; the other calls say StyleNotFound."""

Sort = Annotated[
    Literal["popular", "age"],
    QueryParameter(required=False, description="`popular`: used most first; `age`: the oldest first."),
]
Page = Annotated[int, QueryParameter(required=False, ge=1, description="From 1 on; 25 each.")]
Tag = Annotated[str | None, QueryParameter(required=False, max_length=1000, description="Only with this tag.")]
Model = Annotated[str | None, QueryParameter(required=False, max_length=1000, description="Only for this model.")]


async def _made(
    request: AnyRequest, ctx: Context, kind: str, data: translate.NewStyle, api_key: str
) -> v2_styles.Saved:
    check_counts(tags=len(data.tags), models=len(data.models))
    author = await authenticate(ctx, api_key)
    content = translate.new_style(kind, data, await request.body())
    made = await make_style(ctx, author, kind, content, data.sharedkey or None)
    return v2_styles.Saved(id=str(made))


async def _changed(
    request: AnyRequest, ctx: Context, kind: str, style_id: str, data: translate.StyleChange, api_key: str
) -> v2_styles.Saved:
    caller = await authenticate(ctx, api_key)
    style = await style_by_id(ctx, style_id, kind)
    check_counts(tags=len(data.tags or style.tags), models=len(style.models if data.models is UNSET else data.models))
    body = await request.body()
    await change_style(
        ctx,
        caller,
        style,
        lambda now: translate.changed_style(kind, now, data, body),
        None if data.sharedkey is UNSET else data.sharedkey,
    )
    return v2_styles.Saved(id=str(style.id), warnings=[])


async def _deleted(ctx: Context, kind: str, style_id: str, api_key: str) -> v2_styles.Done:
    caller = await authenticate(ctx, api_key)
    await delete_style(ctx, caller, await style_by_id(ctx, style_id, kind, MISSING[kind]))
    return v2_styles.Done()


# ------------------------------------------------------------------------------------------------ images
@get("/image", summary="Image styles")
async def list_image_styles(
    ctx: Ctx, sort: Sort = "popular", page: Page = 1, tag: Tag = None, model: Model = None
) -> list[v2_styles.StyleAnswer]:
    """Public styles for images, 25 a page; a few seconds old perhaps."""
    found = await page_of_styles(ctx, image.NAME, order=sort, page=page, tag=tag, model=model)
    return [translate.listed_style(style) for style in found]


@post(
    "/image", status_code=200, dto=StrictJson[v2_styles.NewImageStyle], return_dto=None, summary="Make an image style"
)
async def make_image_style(
    request: AnyRequest, ctx: Ctx, data: JSONBody[v2_styles.NewImageStyle], api_key: ApiKey
) -> v2_styles.Saved:
    """A style that anybody can ask for images in, by `style`. For customizers and trusted accounts."""
    made = await _made(request, ctx, image.NAME, data, api_key)
    made.warnings = []
    return made


@get("/image/{style_id:str}", summary="One image style")
async def read_image_style(ctx: Ctx, style_id: FromPath[str]) -> v2_styles.StyleAnswer:
    """A style by its id."""
    return translate.style_answer(await style_by_id(ctx, style_id, image.NAME, MISSING[image.NAME]))


@get("/image_by_name/{style_name:str}", summary="One image style by its name")
async def read_image_style_by_name(ctx: Ctx, style_name: FromPath[str]) -> v2_styles.StyleAnswer:
    """A style by `name`, `style::name`, `alias#id::name` or `style::alias#id::name`; capitals count."""
    return translate.style_answer(await style_by_name(ctx, style_name, image.NAME, MISSING[image.NAME]))


@patch(
    "/image/{style_id:str}",
    dto=StrictJson[v2_styles.ImageStyleChange],
    return_dto=None,
    summary="Change an image style",
)
async def change_image_style(
    request: AnyRequest, ctx: Ctx, style_id: FromPath[str], data: JSONBody[v2_styles.ImageStyleChange], api_key: ApiKey
) -> v2_styles.Saved:
    """Change a style of one's own."""
    return await _changed(request, ctx, image.NAME, style_id, data, api_key)


@delete("/image/{style_id:str}", status_code=200, summary="Delete an image style")
async def delete_image_style(ctx: Ctx, style_id: FromPath[str], api_key: ApiKey) -> v2_styles.Done:
    """Delete a style; its author may, and moderators."""
    return await _deleted(ctx, image.NAME, style_id, api_key)


# ---------------------------------------------------------------------------------------------- examples
@post(
    "/image/{style_id:str}/example",
    status_code=200,
    dto=StrictJson[v2_styles.NewExample],
    return_dto=None,
    summary="Show an example",
)
async def add_example(
    ctx: Ctx, style_id: FromPath[str], data: JSONBody[v2_styles.NewExample], api_key: ApiKey
) -> v2_styles.Saved:
    """Show a picture with a style, up to four of them; its author may, and moderators."""
    examples.check_url(data.url)
    caller = await authenticate(ctx, api_key)
    style = await style_by_id(ctx, style_id, image.NAME)
    added = await examples.add_example(ctx, caller, style, url=data.url, is_primary=data.primary)
    return v2_styles.Saved(id=str(added), warnings=[])


@patch(
    "/image/{style_id:str}/example/{example_id:str}",
    dto=StrictJson[v2_styles.ExampleChange],
    return_dto=None,
    summary="Change an example",
)
async def change_example(
    ctx: Ctx,
    style_id: FromPath[str],
    example_id: FromPath[str],
    data: JSONBody[v2_styles.ExampleChange],
    api_key: ApiKey,
) -> v2_styles.Saved:
    """Show another picture, or make it the primary one; the style's author may, and moderators."""
    examples.check_url(data.url)
    caller = await authenticate(ctx, api_key)
    style = await style_by_id(ctx, style_id, image.NAME)
    is_primary = data.primary if isinstance(data.primary, bool) else None
    changed = await examples.change_example(ctx, caller, style, example_id, url=data.url, is_primary=is_primary)
    return v2_styles.Saved(id=str(changed), warnings=[])


@delete("/image/{style_id:str}/example/{example_id:str}", status_code=200, summary="Delete an example")
async def delete_example(
    ctx: Ctx, style_id: FromPath[str], example_id: FromPath[str], api_key: ApiKey
) -> v2_styles.Done:
    """Show a picture no more; the style's author may, and moderators."""
    caller = await authenticate(ctx, api_key)
    await examples.delete_example(ctx, caller, await style_by_id(ctx, style_id, image.NAME), example_id)
    return v2_styles.Done()


# ------------------------------------------------------------------------------------------------- texts
@get("/text", summary="Text styles")
async def list_text_styles(
    ctx: Ctx, sort: Sort = "popular", page: Page = 1, tag: Tag = None, model: Model = None
) -> list[v2_styles.StyleAnswer]:
    """Public styles for texts, 25 a page; a few seconds old perhaps."""
    found = await page_of_styles(ctx, text.NAME, order=sort, page=page, tag=tag, model=model)
    return [translate.listed_style(style) for style in found]


@post("/text", status_code=200, dto=StrictJson[v2_styles.NewTextStyle], return_dto=None, summary="Make a text style")
async def make_text_style(
    request: AnyRequest, ctx: Ctx, data: JSONBody[v2_styles.NewTextStyle], api_key: ApiKey
) -> v2_styles.Saved:
    """A style that anybody can ask for texts in, by `style`. For customizers and trusted accounts."""
    return await _made(request, ctx, text.NAME, data, api_key)


@get("/text/{style_id:str}", summary="One text style")
async def read_text_style(ctx: Ctx, style_id: FromPath[str]) -> v2_styles.StyleAnswer:
    """A style by its id."""
    return translate.style_answer(await style_by_id(ctx, style_id, text.NAME, MISSING[text.NAME]))


@get("/text_by_name/{style_name:str}", summary="One text style by its name")
async def read_text_style_by_name(ctx: Ctx, style_name: FromPath[str]) -> v2_styles.StyleAnswer:
    """A style by `name`, `style::name`, `alias#id::name` or `style::alias#id::name`; capitals count."""
    return translate.style_answer(await style_by_name(ctx, style_name, text.NAME, MISSING[text.NAME]))


@patch(
    "/text/{style_id:str}", dto=StrictJson[v2_styles.TextStyleChange], return_dto=None, summary="Change a text style"
)
async def change_text_style(
    request: AnyRequest, ctx: Ctx, style_id: FromPath[str], data: JSONBody[v2_styles.TextStyleChange], api_key: ApiKey
) -> v2_styles.Saved:
    """Change a style of one's own."""
    return await _changed(request, ctx, text.NAME, style_id, data, api_key)


@delete("/text/{style_id:str}", status_code=200, summary="Delete a text style")
async def delete_text_style(ctx: Ctx, style_id: FromPath[str], api_key: ApiKey) -> v2_styles.Done:
    """Delete a style; its author may, and moderators."""
    return await _deleted(ctx, text.NAME, style_id, api_key)


router = Router(
    "/styles",
    route_handlers=[
        list_image_styles, make_image_style, read_image_style, read_image_style_by_name, change_image_style,
        delete_image_style, add_example, change_example, delete_example, list_text_styles, make_text_style,
        read_text_style, read_text_style_by_name, change_text_style, delete_text_style,
    ],
    tags=["Styles"],
)  # fmt: skip
