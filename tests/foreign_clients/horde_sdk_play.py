"""Both sides of the wire played by the unmodified horde-sdk, whose models look at every answer.

Runs in an environment of its own, with AI_HORDE_URL set before it begins (the SDK reads it when it is imported).
Usage: horde_sdk_play.py SCENE APIKEY. Prints nothing; a traceback says what the SDK did not like.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Callable
from typing import TypeVar

import requests
from horde_sdk.ai_horde_api import apimodels as api
from horde_sdk.ai_horde_api.ai_horde_clients import AIHordeAPIManualClient, AIHordeAPISimpleClient
from horde_sdk.ai_horde_api.consts import GENERATION_STATE
from horde_sdk.generic_api.apimodels import HordeRequest, HordeResponse, RequestErrorResponse
from PIL import Image

AnswerType = TypeVar("AnswerType", bound=HordeResponse)
MODEL, PAINTER, LANGUAGE_MODEL = "stable_diffusion", "stable_diffusion_inpainting", "koboldcpp/L3-8B"


def call(request: HordeRequest, expected: type[AnswerType]) -> AnswerType:
    """One call, whose answer must be what the SDK expects."""
    answer = AIHordeAPIManualClient().submit_request(request, expected)
    assert not isinstance(answer, RequestErrorResponse), answer
    return answer


def refused(request: HordeRequest, expected: type[HordeResponse]) -> RequestErrorResponse:
    """One call that must be refused in the way that the SDK knows."""
    answer = AIHordeAPIManualClient().submit_request(request, expected)
    assert isinstance(answer, RequestErrorResponse), answer
    return answer


def picture() -> bytes:
    """A small picture as workers upload it."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "WEBP")
    return buffer.getvalue()


def image_pop(key: str, name: str, model: str) -> api.ImageGenerateJobPopRequest:
    """What a worker with that model asks for."""
    agent = "AI Horde Worker reGen:10.0.0:x"
    return api.ImageGenerateJobPopRequest(apikey=key, name=name, bridge_agent=agent, models=[model], max_pixels=65536)


def image(key: str) -> None:
    """Two images: price, queue, an idle pop, pops, uploads, submits, the results; and a cancellation."""
    params = api.ImageGenerationInputPayload(n=2, width=64, height=64, steps=1)
    ask = api.ImageGenerateAsyncRequest(apikey=key, prompt="a red square", params=params, models=[MODEL])
    take = image_pop(key, "SDK image worker", MODEL)
    idle = call(take, api.ImageGenerateJobPopResponse)
    assert (idle.id_, idle.ids, idle.payload.n_iter) == (None, [], 1)

    dry = call(ask.model_copy(update={"dry_run": True}), api.ImageGenerateAsyncDryRunResponse)
    assert dry.kudos > 0
    accepted = call(ask, api.ImageGenerateAsyncResponse)
    check = call(api.ImageGenerateCheckRequest(id=accepted.id_), api.ImageGenerateCheckResponse)
    assert (check.waiting, check.done, check.faulted) == (2, False, False)

    for _ in range(2):
        job = call(take, api.ImageGenerateJobPopResponse)
        assert (job.model, job.payload.prompt, job.payload.ddim_steps) == (MODEL, "a red square", 1)
        assert job.r2_upload
        assert job.payload.seed
        assert requests.put(job.r2_upload, data=picture(), timeout=60).status_code == 200
        deliver = api.ImageGenerationJobSubmitRequest(
            apikey=key, id=job.id_, generation="R2", state=GENERATION_STATE.ok, seed=int(job.payload.seed)
        )
        assert call(deliver, api.JobSubmitResponse).reward > 0
        assert "already submitted" in refused(deliver, api.JobSubmitResponse).message

    status = call(api.ImageGenerateStatusRequest(id=accepted.id_), api.ImageGenerateStatusResponse)
    assert status.done
    assert len(status.generations) == 2
    shown = AIHordeAPISimpleClient().download_image_from_generation(status.generations[0])
    assert shown.size == (64, 64)

    unwanted = call(ask, api.ImageGenerateAsyncResponse)
    cancelled = call(api.DeleteImageGenerateRequest(id=unwanted.id_), api.ImageGenerateStatusResponse)
    assert cancelled.waiting == 2


def source_image(key: str) -> None:
    """A request that comes with a picture and a mask, which its worker gets."""
    sent = base64.b64encode(picture()).decode()
    params = api.ImageGenerationInputPayload(n=1, width=64, height=64, steps=1, denoising_strength=0.5)
    ask = api.ImageGenerateAsyncRequest(
        apikey=key, prompt="a red square", params=params, models=[PAINTER], source_image=sent, source_mask=sent,
        source_processing="inpainting",
    )  # fmt: skip
    accepted = call(ask, api.ImageGenerateAsyncResponse)
    take = image_pop(key, "SDK painter", PAINTER)
    job = call(take, api.ImageGenerateJobPopResponse)
    assert job.source_processing == "inpainting"
    assert job.source_image
    assert job.source_mask
    call(api.DeleteImageGenerateRequest(id=accepted.id_), api.ImageGenerateStatusResponse)


def text(key: str) -> None:
    """A request for a text, from both sides."""
    params = api.ModelGenerationInputKobold(max_length=16, max_context_length=80)
    ask = api.TextGenerateAsyncRequest(apikey=key, prompt="Once", params=params, models=[LANGUAGE_MODEL])
    take = api.TextGenerateJobPopRequest(
        apikey=key, name="SDK text worker", bridge_agent="KoboldCppEmbedWorker:2:x", models=[LANGUAGE_MODEL]
    )
    assert call(take, api.TextGenerateJobPopResponse).id_ is None
    accepted = call(ask, api.TextGenerateAsyncResponse)

    job = call(take, api.TextGenerateJobPopResponse)
    assert (job.payload.prompt, job.payload.max_length, job.model) == ("Once", 16, LANGUAGE_MODEL)
    deliver = api.TextGenerationJobSubmitRequest(
        apikey=key, id=job.id_, generation=" upon a time", state=GENERATION_STATE.ok
    )
    assert call(deliver, api.JobSubmitResponse).reward > 0

    status = call(api.TextGenerateStatusRequest(id=accepted.id_), api.TextGenerateStatusResponse)
    assert status.done
    assert status.generations[0].text == " upon a time"


def alchemy(key: str) -> None:
    """A caption and an upscaled picture, from both sides. The SDK cannot say a result that is no text, so we do."""
    picture_text = base64.b64encode(picture()).decode()
    forms = [api.AlchemyAsyncRequestFormItem(name=name) for name in ("caption", "RealESRGAN_x4plus")]
    ask = api.AlchemyAsyncRequest(apikey=key, forms=forms, source_image=picture_text)
    take = api.AlchemyPopRequest(
        apikey=key, name="SDK alchemist", forms=["caption", "RealESRGAN_x4plus"], bridge_agent="AI Horde Worker:24:x",
        amount=2, threads=1, max_tiles=80, priority_usernames=[],
    )  # fmt: skip
    assert call(take, api.AlchemyPopResponse).forms is None
    accepted = call(ask, api.AlchemyAsyncResponse)

    popped = call(take, api.AlchemyPopResponse)
    assert popped.forms
    assert {form.form for form in popped.forms} == {"caption", "RealESRGAN_x4plus"}
    for form in popped.forms:
        if form.r2_upload:
            assert requests.put(form.r2_upload, data=picture(), timeout=60).status_code == 200
        result = {form.form: "R2"} if form.r2_upload else {"caption": "a red square"}
        body = {"id": str(form.id_), "result": result, "state": "ok"}
        url = f"{os.environ['AI_HORDE_URL']}v2/interrogate/submit"
        submitted = requests.post(url, json=body, headers={"apikey": key}, timeout=60)
        assert submitted.status_code == 200, submitted.text

    status = call(api.AlchemyStatusRequest(id=accepted.id_), api.AlchemyStatusResponse)
    assert status.state == "done"
    assert [form.state for form in status.forms] == ["done", "done"]
    cancelled = call(ask, api.AlchemyAsyncResponse)
    left = call(api.AlchemyDeleteRequest(id=cancelled.id_), api.AlchemyStatusResponse)
    assert [form.state for form in left.forms] == ["cancelled", "cancelled"]


def horde(key: str) -> None:
    """What the horde tells of itself. Documents are left out: the SDK 0.18 cannot send the query that they need."""
    call(api.ImageStatsModelsTotalRequest(), api.ImageStatsModelsTotalResponse)
    call(api.ImageStatsModelsRequest(), api.ImageStatsModelsResponse)
    call(api.TextStatsModelsTotalRequest(), api.TextStatsModelsTotalResponse)
    call(api.TextStatsModelsRequest(), api.TextStatsModelResponse)
    call(api.NewsRequest(), api.NewsResponse)
    call(api.HordeStatusModelsSingleRequest(model_name=MODEL), api.HordeStatusModelsSingleResponse)


def reading(key: str) -> None:
    """What there is to be read of workers, users, models and the horde itself."""
    simple = AIHordeAPISimpleClient()
    simple.heartbeat_request()
    call(api.HordePerformanceRequest(), api.HordePerformanceResponse)
    call(api.HordeStatusModelsAllRequest(), api.HordeStatusModelsAllResponse)
    call(api.FindUserRequest(apikey=key), api.UserDetailsResponse)
    call(api.ListUsersDetailsRequest(page=1), api.ListUsersDetailsResponse)
    take = image_pop(key, "SDK read worker", MODEL)
    call(take, api.ImageGenerateJobPopResponse)
    worker = call(api.SingleWorkerNameDetailsRequest(worker_name="SDK read worker"), api.SingleWorkerDetailsResponse)
    call(api.AllWorkersDetailsRequest(type="image"), api.AllWorkersDetailsResponse)
    changed = api.ModifyWorkerRequest(apikey=key, worker_id=worker.id_, info="played by a program", maintenance=True)
    assert call(changed, api.ModifyWorkerResponse).maintenance
    call(api.DeleteWorkerRequest(apikey=key, worker_id=worker.id_), api.DeleteWorkerResponse)


SCENES: dict[str, Callable[[str], None]] = {
    "image": image,
    "source_image": source_image,
    "text": text,
    "alchemy": alchemy,
    "horde": horde,
    "reading": reading,
}

if __name__ == "__main__":
    SCENES[sys.argv[1]](sys.argv[2])
