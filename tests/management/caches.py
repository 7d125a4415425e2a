"""Caches as the doctor may meet them."""

from threading import Lock

from django.core.cache.backends.base import BaseCache


class SharedCache(BaseCache):
    """As one of several processes sees a cache that they share."""

    def __init__(self, name, params):
        super().__init__(params)
        self.kept = STORE
        self.lock = LOCK

    def add(self, key, value, timeout=None, version=None):
        with self.lock:
            if key in self.kept:
                return False
            self.kept[key] = value
            return True

    def get(self, key, default=None, version=None):
        return self.kept.get(key, default)

    def set(self, key, value, timeout=None, version=None):
        self.kept[key] = value

    def incr(self, key, delta=1, version=None):
        with self.lock:
            if key not in self.kept:
                raise ValueError(key)
            self.kept[key] += delta
            return self.kept[key]

    def delete(self, key, version=None):
        return self.kept.pop(key, None) is not None


STORE = {}
LOCK = Lock()


class CarelessCache(SharedCache):
    """add() stores whatever is there already, like a look that is not guarded against others."""

    def add(self, key, value, timeout=None, version=None):
        self.kept[key] = value
        return True


class ForgetfulCache(SharedCache):
    def get(self, key, default=None, version=None):
        return default


class BrokenCache(SharedCache):
    def set(self, key, value, timeout=None, version=None):
        raise ConnectionError("canary-of-a-password")


def use_cache(settings, name, **options):
    """Make a cache of this module, or of Django, the default one."""
    path = name if "." in name else f"{__name__}.{name}"
    settings.CACHES = {"default": {"BACKEND": path, **options}}
