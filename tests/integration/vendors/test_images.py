"""A picture that a vendor uploads is decoded and written anew; what is no picture is refused beside its field."""

from io import BytesIO

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from PIL import Image

from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors import images
from vendors.checks import check_avif
from vendors.models import Product, ProductImage


@pytest.fixture
def side(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_side("Amber", make_marketplace())


def photo(kind="JPEG", size=(800, 500), note=b"a secret place"):
    target = BytesIO()
    picture = Image.new("RGB", size, "#7a3b1f")
    exif = picture.getexif()
    exif[0x010E] = note.decode()
    picture.save(target, kind, exif=exif)
    return target.getvalue()


def upload(side, content, name="photo.jpg"):
    product = side.rows[Product]
    client = Client(headers={"host": MASTER})
    client.force_login(side.staff["catalogue"])
    url = reverse("admin:vendors_product_change", args=[product.pk])
    form = form_data(client.get(url)) | {
        "images-TOTAL_FORMS": 1, "images-0-product": product.pk, "images-0-alt": "A lamp", "images-0-position": 0,
        "images-0-file": SimpleUploadedFile(name, content, "image/jpeg"),
    }  # fmt: skip
    return client.post(url, form)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_upload_is_written_anew_with_its_renditions(side, kind, tmp_path):
    assert upload(side, photo(kind), "../../evil.php.jpg").status_code == 302
    image = ProductImage.objects.get()
    assert (image.width, image.height) == (1200, 1200)
    assert image.file.name.startswith("products/lamp-")
    files = sorted(path.name for path in (tmp_path / "products").iterdir())
    assert len(files) == 6
    found = [path.read_bytes() for path in (tmp_path / "products").iterdir()]
    shown = [Image.open(BytesIO(content)) for content in found]
    expected = {(kind, width) for kind in ("WEBP", "AVIF") for width in (300, 600, 1200)}
    assert {(picture.format, picture.width) for picture in shown} == expected
    assert not any(b"a secret place" in content for content in found)
    offered = [url.rpartition("/")[2].split(" ")[0] for url in f"{image.srcset}, {image.avif_srcset}".split(", ")]
    assert sorted(offered) == files
    assert image.widest.endswith(f"{image.stem}.webp")  # for robots, and browsers of before


def test_without_avif_webp_alone_is_written_and_offered(side, tmp_path, monkeypatch):
    assert check_avif() == []
    monkeypatch.setattr(images, "HAS_AVIF", False)
    assert [warning.id for warning in check_avif()] == ["vendors.W001"]
    assert upload(side, photo()).status_code == 302
    image = ProductImage.objects.get()
    assert {path.suffix for path in (tmp_path / "products").iterdir()} == {".webp"}
    html = render_to_string("vendors/_picture.html", {"picture": image})
    assert "<source" not in html
    assert image.srcset in html


def test_browsers_choose_avif_first(side):
    image = ProductImage(file="products/jug.avif", alt="A jug", width=1200, height=1200)
    html = render_to_string("vendors/_picture.html", {"picture": image, "described": 1})
    assert html.index('type="image/avif"') < html.index("<img")
    assert 'srcset="/media/products/jug-300.avif 300w, /media/products/jug-600.avif 600w, ' in html
    assert 'srcset="/media/products/jug-300.webp 300w, /media/products/jug-600.webp 600w, ' in html
    assert 'alt="A jug"' in html


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a<script>", photo()[:300], b""],
    ids=["svg", "pretends", "cut", "empty"],
)
def test_what_is_no_picture_is_refused(side, content, tmp_path):
    response = upload(side, content)
    assert response.status_code == 200
    assert not ProductImage.objects.exists()
    assert not list(tmp_path.rglob("*.webp"))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_turn_white(mode):
    target = BytesIO()
    Image.new("RGBA", (60, 60), (0, 0, 0, 0)).convert(mode).save(
        target, "PNG", **({"transparency": 0} if mode == "P" else {})
    )
    files = images.encode_renditions(BytesIO(target.getvalue()), target.tell())
    for content in (files.webp[300], files.avif[300]):
        with Image.open(BytesIO(content)) as picture:
            assert picture.convert("RGB").getpixel((150, 150)) == (255, 255, 255)


def test_a_picture_of_absurd_size_is_refused(side):
    assert upload(side, photo("PNG", (20_000, 3_000))).status_code == 200
    assert not ProductImage.objects.exists()


def test_a_change_by_staff_is_kept_with_who_made_it(side):
    product = side.rows[Product]
    client = Client(headers={"host": MASTER})
    client.force_login(side.staff["catalogue"])
    url = reverse("admin:vendors_product_change", args=[product.pk])
    client.post(url, form_data(client.get(url)) | {"name": "Amber lantern"})
    entry = LogEntry.objects.get_for_object(product).filter(action=LogEntry.Action.UPDATE).get()
    assert (entry.changes["name"], entry.actor) == (["Amber lamp", "Amber lantern"], side.staff["catalogue"])
