"""Cards as the kernel of Linux tells of them: its folders are made here, for these tests run on machines without."""

from pathlib import Path

from horde.worker.gpu import MIB, Gpu, of_amd


def laid(drm: Path, card: str, **files: str) -> None:
    """A card with these files; `__` stands for a folder."""
    for name, content in {"vendor": "0x1002", **files}.items():
        file = drm / card / "device" / Path(*name.split("__"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")


def test_card_of_amd_is_seen_with_its_memory_load_and_temperature(tmp_path: Path) -> None:
    laid(
        tmp_path, "card1", mem_info_vram_total=str(16_368 * MIB), mem_info_vram_used=str(900 * MIB),
        gpu_busy_percent="37", product_name="Radeon RX 6800", hwmon__hwmon3__temp1_input="54000",
    )  # fmt: skip
    plug = tmp_path / "card1-DP-1"
    plug.mkdir()
    (plug / "device").symlink_to(tmp_path / "card1" / "device")

    (card,) = of_amd(tmp_path)

    assert card == Gpu(name="Radeon RX 6800", memory_mib=16_368, memory_used_mib=900, busy_percent=37, temperature_c=54)
    assert card.in_words() == "Radeon RX 6800: 900 of 16,368 MiB, 37 % busy, 54 °C"


def test_what_a_card_does_not_tell_is_left_out(tmp_path: Path) -> None:
    laid(tmp_path, "card0", mem_info_vram_total=str(512 * MIB), device="0x1638")

    (card,) = of_amd(tmp_path)

    assert card.in_words() == "AMD 0x1638: 0 of 512 MiB, 0 % busy"


def test_cards_of_others_and_broken_ones_are_not_seen(tmp_path: Path) -> None:
    laid(tmp_path, "card0", vendor="0x8086", mem_info_vram_total="1")
    laid(tmp_path, "card1")
    laid(tmp_path, "card2", mem_info_vram_total="none of your business")
    (tmp_path / "card3").mkdir()

    assert list(of_amd(tmp_path)) == []
    assert list(of_amd(tmp_path / "nowhere")) == []
