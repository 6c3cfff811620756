from django.urls import path, re_path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health", views.health),
    re_path(r"^(?P<number>[1-9][0-9]{0,23})$", views.number, name="number"),
]
