"use strict";

const CHIPS = {
  active: "good", open: "good", charged: "dead", recharge: "good", refund: "warn", charge: "dead",
  inactive: "warn", lapsed: "warn", replaced: "warn", cancelled: "dead", usable: "good", "used or over": "dead",
};
const NEWEST = 12;
let shown = "";

function cell(text, className = "") {
  const made = document.createElement("td");
  made.className = className;
  made.append(text);
  return made;
}

function chip(text) {
  const made = document.createElement("span");
  made.className = `chip ${CHIPS[text] || "dead"}`;
  made.textContent = text;
  return made;
}

function bar(part, whole) {
  const made = document.createElement("progress");
  made.max = Math.max(Number(whole), Number(part), 0.01);
  made.value = Number(part);
  return made;
}

function clock(instant) {
  return instant ? instant.slice(11, 19) : "";
}

function fill(id, items, row, emptyText) {
  const rows = items.map((item) => {
    const line = document.createElement("tr");
    line.append(...row(item));
    return line;
  });
  if (!rows.length) {
    const line = document.createElement("tr");
    const note = cell(emptyText, "empty");
    note.colSpan = 8;
    line.append(note);
    rows.push(line);
  }
  document.getElementById(id).replaceChildren(...rows);
  document.getElementById(`${id}-count`).textContent = items.length || "";
}

function draw(state) {
  const codes = Object.fromEntries(state.vouchers.map((v) => [v.id, v.code]));
  const names = Object.fromEntries(state.clients.map((c) => [c.id, c.name]));
  fill("vouchers", state.vouchers, (v) => [
    cell(v.code, "code"), cell(v.pin || "–", "code"), cell(chip(v.status)),
    cell(`${v.amount} ${v.currency}`, "money"),
    cell(v.held_amount === "0.00" ? "–" : v.held_amount, "money"),
    cell(v.remaining_amount, "money"), cell(bar(v.remaining_amount, v.amount)),
    cell(v.valid_until ? v.valid_until.slice(0, 10) : "–", "soft"),
  ], "No vouchers yet: create one through the API.");
  fill("reservations", state.reservations.slice(-NEWEST).reverse(), (r) => [
    cell(codes[r.voucher_id] || r.voucher_id, "code"), cell(chip(r.state)), cell(r.amount, "money"),
    cell(clock(r.valid_until), "soft"),
  ], "Nothing is reserved.");
  fill("bookings", state.bookings.slice(-NEWEST).reverse(), (b) => [
    cell(codes[b.voucher_id] || b.voucher_id, "code"), cell(chip(b.type)), cell(b.amount, "money"),
    cell(b.order_number || "–"), cell(clock(b.created_at), "soft"),
  ], "Nothing is booked.");
  fill("clients", state.clients, (c) => {
    const button = document.createElement("button");
    button.textContent = "Issue a PIN";
    button.addEventListener("click", () => send("/sandbox/pins", { client_id: c.id }));
    return [cell(c.name), cell(c.scopes.join(", "), "soft-wrap"), cell(button, "money")];
  }, "No clients.");
  fill("pins", state.pins.slice(-NEWEST).reverse(), (p) => [
    cell(p.pin, "code"), cell(names[p.client_id] || p.client_id),
    cell(chip(p.usable ? "usable" : "used or over")), cell(clock(p.valid_until), "soft"),
  ], "No PIN was issued.");
}

async function refresh() {
  try {
    const text = await (await fetch("/sandbox/state")).text();
    const state = JSON.parse(text);
    document.getElementById("now").textContent = `${state.now.slice(0, 10)} ${clock(state.now)} UTC`;
    const content = JSON.stringify({ ...state, now: "" });
    if (content !== shown) {
      draw(state);
      shown = content;
    }
    document.getElementById("offline").hidden = true;
  } catch {
    document.getElementById("offline").hidden = false;
  }
}

async function send(path, body) {
  const headers = { "Content-Type": "application/json" };
  await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  await refresh();
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => send("/sandbox/clock", { advance_seconds: Number(button.dataset.advance) }));
}
refresh();
setInterval(refresh, 1000);
