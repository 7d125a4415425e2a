from django.conf import settings
from django.conf.urls.static import static

from tests.hosts.oscar.urls import urlpatterns as shop

urlpatterns = [*static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT), *shop]
