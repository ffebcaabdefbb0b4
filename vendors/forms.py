"""Forms of the vendors' admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from vendors import images
from vendors.models import ProductImage


class ProductImageForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a product image: encode the upload during validation, write the files on save."""

    encoded: dict[int, bytes] | None = None

    class Meta:
        model = ProductImage
        fields = ["file", "alt", "position"]

    def clean_file(self) -> Any:
        """Encode an upload; reject a file that is no picture."""
        upload = self.cleaned_data["file"]
        if isinstance(upload, UploadedFile):
            upload.seek(0)
            try:
                self.encoded = images.encode_renditions(upload, upload.size or 0)
            except images.InvalidImageError as error:
                raise forms.ValidationError(str(error), code="invalid_image") from error
        return upload

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Save the row and the encoded files."""
        image = super().save(commit=False)
        if self.encoded is not None:
            images.save_renditions(image, self.encoded)
        if commit:
            image.save()
        return image
