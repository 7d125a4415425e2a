// Spares the reload of the page when a gift voucher is entered or taken off. Everything works without it, and
// whatever goes wrong here ends in an ordinary submit: each of the forms may safely be sent twice.

const FRAGMENT = "Voucher-Fragment";
const BLOCK = "[data-vpg]";
const SOON_MS = 1000;
const BUSY = document.querySelector("script[data-vpg-busy]")?.dataset.vpgBusy ?? "";
let timer = 0;

const part = (block, name) => block.querySelector(`[data-vpg-part="${name}"]`);
const find = () => document.querySelector(BLOCK);

async function ask(address, options = {}) {
  const answer = await fetch(address, {
    ...options,
    headers: { [FRAGMENT]: "1", Accept: "text/html" },
    credentials: "same-origin",
    cache: "no-store",
  });
  if (!answer.headers.has(FRAGMENT)) throw new Error("not the block");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { ok: answer.ok, block: page.querySelector(BLOCK) };
}

function put(block, fresh, names) {
  for (const name of names) part(block, name).replaceWith(part(fresh, name));
  for (const { name, value } of fresh.attributes) block.setAttribute(name, value);
  wakeAtDeadline(block);
}

// submitting

function onSubmit(event) {
  const form = event.target;
  const block = form.closest(BLOCK);
  if (!block || !form.matches("[data-vpg-form]")) return;
  event.preventDefault();
  if (block.getAttribute("aria-busy") === "true") return;
  send(form, block).catch(() => form.submit());
}

async function send(form, block) {
  const typed = [...form.querySelectorAll("input:not([type=hidden])")].map(({ name, value }) => [name, value]);
  setBusy(block, true);
  const { ok, block: fresh } = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  put(block, fresh, ["state", "form"]);
  if (!ok) keep(block, typed);
  focusOn(block);
  say(block);
  tellTheShop(block);
  await refreshTheRest().catch(() => location.reload());
  setBusy(block, false);
}

// What was typed never comes back from the server; it stays here so that one letter can be put right.
function keep(block, typed) {
  for (const [name, value] of typed) {
    const input = part(block, "form").querySelector(`input[name="${name}"]`);
    if (input) input.value = value;
  }
}

function setBusy(block, busy) {
  block.setAttribute("aria-busy", String(busy));
  for (const button of block.querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
  if (busy) live(block, BUSY);
}

function focusOn(block) {
  const wrong = block.querySelector("[aria-invalid=true]");
  (wrong ?? block.querySelector("input[name=code]") ?? block.querySelector("h2"))?.focus();
}

function live(block, text) {
  block.querySelector("[data-vpg-live]").textContent = text;
}

function say(block) {
  const words = [...block.querySelectorAll("[data-vpg-notice], [data-vpg-sum] > *")];
  live(block, words.map((element) => element.textContent.trim()).join(" "));
}

// the rest of the shop's page

function tellTheShop(block) {
  const { vpgDue: due, vpgCovered: covered, vpgCurrency: currency } = block.dataset;
  block.dispatchEvent(new CustomEvent("voucher-payments:change", { bubbles: true, detail: { due, covered, currency } }));
}

async function refreshTheRest() {
  const places = [...document.querySelectorAll("[data-vpg-refresh][id]")];
  if (!places.length) return;
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || places.some((place) => !page.getElementById(place.id))) {
    location.reload();
    return;
  }
  for (const place of places) {
    const chosen = [...place.querySelectorAll("input:checked")].map(({ name, value }) => [name, value]);
    place.replaceWith(page.getElementById(place.id));
    choose(document.getElementById(place.id), chosen);
  }
}

function choose(place, chosen) {
  for (const input of place.querySelectorAll("input"))
    if (chosen.some(([name, value]) => input.name === name && input.value === value)) input.checked = true;
}

// keeping current: a hold ended, another tab changed the order, the page came back from the browser's memory

async function refresh() {
  const block = find();
  if (!block || block.getAttribute("aria-busy") === "true") return;
  const before = part(block, "state").textContent;
  const { ok, block: fresh } = await ask(`${block.dataset.vpg}?${new URLSearchParams({ next: block.dataset.vpgNext })}`);
  if (!ok || block.contains(document.activeElement)) return;
  const untouched = [...part(block, "form").querySelectorAll("input:not([type=hidden])")].every(({ value }) => !value);
  put(block, fresh, untouched ? ["state", "form"] : ["state"]);
  if (part(block, "state").textContent === before) return;
  say(block);
  tellTheShop(block);
  await refreshTheRest();
}

const quietly = (action) => action().catch(() => {});

function wakeAtDeadline(block) {
  clearTimeout(timer);
  const ends = [...block.querySelectorAll("time.vpg-until")].map(({ dateTime }) => Date.parse(dateTime) - Date.now());
  const next = Math.min(...ends.filter((left) => left > -SOON_MS));
  if (Number.isFinite(next)) timer = setTimeout(() => quietly(refresh), Math.max(next, 0) + SOON_MS);
}

document.addEventListener("submit", onSubmit);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && quietly(refresh));
addEventListener("pageshow", (event) => event.persisted && quietly(refresh));
addEventListener("pagehide", () => find()?.querySelectorAll("input.vpg-input").forEach((input) => (input.value = "")));
if (find()) wakeAtDeadline(find());
