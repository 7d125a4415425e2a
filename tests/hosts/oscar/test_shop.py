def test_a_guest_places_an_order_through_the_views_of_oscar(oscar_shop):
    teapot = oscar_shop.product("30.00")

    response = oscar_shop.visitor().buy(teapot).to_preview().place()

    assert response.status_code == 302, response.content.decode()
    order = oscar_shop.orders.get()
    assert (order.total_incl_tax, order.currency, order.guest_email) == (30, "EUR", "mara@example.com")
