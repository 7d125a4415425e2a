"""How the code of a sold voucher reaches its buyer: mails, and links to pages that show it."""
