"""The settings of the example shop, with a test database that threads and processes share."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES, VAR_DIR

DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
