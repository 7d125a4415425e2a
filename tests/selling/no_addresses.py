"""The URLs of a shop that has not included those of the package."""

urlpatterns = []
