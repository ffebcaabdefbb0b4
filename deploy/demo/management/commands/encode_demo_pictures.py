"""Make the AVIF files of the demo's pictures that have none yet."""

from typing import Any

from django.core.management.base import BaseCommand

from deploy.demo.pictures import pictures
from vendors.images import encode_avif
from vendors.models.catalogue import WIDTHS

THOROUGH = 4  # the speed: a picture takes three seconds, once and for all, and has a fifth fewer bytes


class Command(BaseCommand):
    help = "Encode the demo's new pictures as AVIF; the files belong to the repository."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for picture in pictures():
            for width in WIDTHS:
                if not (path := picture.ready(width)).exists():
                    path.write_bytes(encode_avif(picture.square(), width, THOROUGH))
                    self.stdout.write(path.name)
