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

function action(text, path, body) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => send(path, body));
  return button;
}

// Shows the newest first; the heading says how many there are, and how many of them are shown.
function fill(id, all, row, emptyText, most = Infinity) {
  const labels = [...document.getElementById(id).closest("table").querySelectorAll("th")].map((th) => th.textContent);
  const items = most === Infinity ? all : all.slice(-most).reverse();
  const rows = items.map((item) => {
    const line = document.createElement("tr");
    const cells = row(item);
    cells.forEach((each, index) => labels[index] && each.setAttribute("data-label", labels[index]));
    line.append(...cells);
    return line;
  });
  if (!rows.length) {
    const line = document.createElement("tr");
    const note = cell(emptyText, "empty");
    note.colSpan = labels.length;
    line.append(note);
    rows.push(line);
  }
  document.getElementById(id).replaceChildren(...rows);
  document.getElementById(`${id}-count`).textContent =
    items.length < all.length ? `${items.length} newest of ${all.length}` : all.length || "";
}

function draw(state) {
  const codes = Object.fromEntries(state.vouchers.map((v) => [v.id, v.code]));
  const names = Object.fromEntries(state.clients.map((c) => [c.id, c.name]));
  fill("vouchers", state.vouchers, (v) => [
    cell(v.code, "code"), cell(v.pin || "–", "code"), cell(chip(v.status)),
    cell(`${v.amount} ${v.currency}`, "money"),
    cell(v.held_amount === "0.00" ? "–" : v.held_amount, "money"),
    cell(v.remaining_amount, "money"), cell(bar(v.remaining_amount, v.amount), "bar"),
    cell(v.valid_until ? v.valid_until.slice(0, 10) : "–", "soft"),
    cell(v.status === "active"
      ? action("Deactivate", "/sandbox/vouchers/status", { code: v.code, status: "inactive" })
      : action("Activate", "/sandbox/vouchers/status", { code: v.code, status: "active" }), "money"),
  ], "No vouchers yet.");
  offer(state.vouchers.map((v) => v.code));
  fill("reservations", state.reservations, (r) => [
    cell(codes[r.voucher_id] || r.voucher_id, "code"), cell(chip(r.state)), cell(r.amount, "money"),
    cell(clock(r.valid_until), "soft"),
  ], "Nothing is reserved.", NEWEST);
  fill("bookings", state.bookings, (b) => [
    cell(codes[b.voucher_id] || b.voucher_id, "code"), cell(chip(b.type)), cell(b.amount, "money"),
    cell(b.order_number || "–"), cell(clock(b.created_at), "soft"),
  ], "Nothing is booked.", NEWEST);
  fill("clients", state.clients, (c) => [
    cell(c.name), cell(c.scopes.join(", "), "soft-wrap"),
    cell(action("Issue a PIN", "/sandbox/pins", { client_id: c.id }), "money"),
  ], "No clients.");
  fill("pins", state.pins, (p) => [
    cell(p.pin, "code"), cell(names[p.client_id] || p.client_id),
    cell(chip(p.usable ? "usable" : "used or over")), cell(clock(p.valid_until), "soft"),
  ], "No PIN was issued.", NEWEST);
}

// Keeps the chosen code, so that a change meanwhile does not top up another voucher.
function offer(codes) {
  const select = document.getElementById("codes");
  const chosen = select.value;
  select.replaceChildren(...codes.map((code) => new Option(code)));
  if (codes.includes(chosen)) select.value = chosen;
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
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const problem = document.getElementById("problem");
  problem.hidden = answer.ok;
  problem.textContent = answer.ok ? "" : await sentence(answer);
  await refresh();
  return answer.ok;
}

async function sentence(answer) {
  const { message, errors = [] } = await answer.json().catch(() => ({}));
  return [message ?? `It was refused (${answer.status}).`, ...errors.map((each) => each.message)].join(" ");
}

for (const form of document.querySelectorAll("form[data-send]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    if (await send(form.dataset.send, body)) form.reset();
  });
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => send("/sandbox/clock", { advance_seconds: Number(button.dataset.advance) }));
}
refresh();
setInterval(refresh, 1000);
