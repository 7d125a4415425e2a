"""Gift vouchers as a means of payment in django-oscar 4.2, without a fork: mixins for its checkout and its order
processing, views of their own for the vouchers, and payment sources that follow what the gateway does."""
