"""Pages for shipping departments, on the mall's own host."""

from django.urls import path

from shipping import views

app_name = "shipping"
urlpatterns = [
    path("ack/<str:token>/", views.acknowledge, name="ack"),
]
