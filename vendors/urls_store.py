"""The pages of one store: at the root of its own host, or below /stores/<slug>/ on the master."""

from django.urls import path

from vendors import review_views, views

app_name = "store"

urlpatterns = [
    path("", views.home_page, name="home"),
    path("departments/<slug:slug>/", views.category_page, name="category"),
    path("products/<slug:slug>/", views.product_page, name="product"),
    path("products/<slug:slug>/reviews/", review_views.reviews_page, name="reviews"),
    path("products/<slug:slug>/reviews/<int:review>/report/", review_views.report_page, name="report_review"),
    path("search/", views.search_page, name="search"),
    path("about/", views.about_page, name="about"),
    path("delivery/", views.delivery_page, name="delivery"),
]
