"""What the images weigh: `python -m tests.images.sizes`, called by `make image-sizes`. Uncompressed layers, in MB."""

from tests.images.engine import IMAGES, base_of, inspect

LIMIT = 450.0  # MB beyond the base


def over_base(name: str) -> float:
    """MB of an image's layers that are not its base's."""
    return (inspect("image", IMAGES[name])["Size"] - inspect("image", base_of(name))["Size"]) / 1e6


if __name__ == "__main__":
    for name, image in IMAGES.items():
        print(f"{image}: {inspect('image', image)['Size'] / 1e6:.0f} MB, {over_base(name):.0f} MB over its base, of {LIMIT:.0f}")
