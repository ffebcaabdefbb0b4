"""What vendor staff may send in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from vendors import pictures
from vendors.models import ProductImage


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A picture: checked and encoded while the form is validated, written when it is saved."""

    encoded: dict[int, bytes] | None = None

    class Meta:
        model = ProductImage
        fields = ["file", "alt", "position"]

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if isinstance(upload, UploadedFile):
            upload.seek(0)
            try:
                self.encoded = pictures.encode(upload, upload.size or 0)
            except pictures.NotAPicture as refusal:
                raise forms.ValidationError(str(refusal), code="not_a_picture") from refusal
        return upload

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        image = super().save(commit=False)
        if self.encoded is not None:
            pictures.put(image, self.encoded)
        if commit:
            image.save()
        return image
