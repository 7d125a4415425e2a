from tests._site.apps.checkout.applicator import *  # noqa: F403
