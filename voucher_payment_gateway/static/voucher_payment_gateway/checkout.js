// Enters and removes gift vouchers without reloading the page. Everything works without this script, and every error
// here falls back to an ordinary submit: each form is idempotent.

const FRAGMENT = "Voucher-Fragment";
const BLOCK = "[data-vpg]";
const MARGIN_MS = 1000;
const BUSY = document.querySelector("script[data-vpg-busy]")?.dataset.vpgBusy ?? "";
let timer = 0;

const part = (block, name) => block.querySelector(`[data-vpg-part="${name}"]`);
const find = () => document.querySelector(BLOCK);

async function fetchBlock(address, options = {}) {
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

function replaceParts(block, fresh, names) {
  for (const name of names) part(block, name).replaceWith(part(fresh, name));
  for (const { name, value } of fresh.attributes) block.setAttribute(name, value);
  refreshAtDeadline(block);
}

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
  const { ok, block: fresh } = await fetchBlock(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  replaceParts(block, fresh, ["state", "form"]);
  if (!ok) restoreInput(block, typed);
  focusOn(block);
  announceResult(block);
  dispatchChange(block);
  await refreshPage().catch(() => location.reload());
  setBusy(block, false);
}

// The server never sends the input back; it is restored here, so that the customer can correct a typing error.
function restoreInput(block, typed) {
  for (const [name, value] of typed) {
    const input = part(block, "form").querySelector(`input[name="${name}"]`);
    if (input) input.value = value;
  }
}

function setBusy(block, busy) {
  block.setAttribute("aria-busy", String(busy));
  for (const button of block.querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
  if (busy) announce(block, BUSY);
}

function focusOn(block) {
  const wrong = block.querySelector("[aria-invalid=true]");
  (wrong ?? block.querySelector("input[name=code]") ?? block.querySelector("h2"))?.focus();
}

function announce(block, text) {
  block.querySelector("[data-vpg-live]").textContent = text;
}

function announceResult(block) {
  const words = [...block.querySelectorAll("[data-vpg-notice], [data-vpg-sum] > *")];
  announce(block, words.map((element) => element.textContent.trim()).join(" "));
}

function dispatchChange(block) {
  const { vpgDue: due, vpgCovered: covered, vpgCurrency: currency } = block.dataset;
  block.dispatchEvent(new CustomEvent("voucher-payments:change", { bubbles: true, detail: { due, covered, currency } }));
}

async function refreshPage() {
  const places = [...document.querySelectorAll("[data-vpg-refresh][id]")];
  if (!places.length) return;
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || places.some((place) => !page.getElementById(place.id))) {
    location.reload();
    return;
  }
  for (const place of places) {
    const chosen = [...place.querySelectorAll("input:checked, select")].map(({ name, value }) => [name, value]);
    place.replaceWith(page.getElementById(place.id));
    restoreChoices(document.getElementById(place.id), chosen);
  }
}

function restoreChoices(place, chosen) {
  for (const input of place.querySelectorAll("input"))
    if (chosen.some(([name, value]) => input.name === name && input.value === value)) input.checked = true;
  for (const select of place.querySelectorAll("select")) {
    const kept = chosen.find(([name]) => name === select.name);
    if (kept && [...select.options].some(({ value }) => value === kept[1])) select.value = kept[1];
  }
}

// The block may be outdated: a hold ended, another tab changed the order, the browser restored the page from its cache.
async function refresh() {
  const block = find();
  if (!block || block.getAttribute("aria-busy") === "true") return;
  const before = part(block, "state").textContent;
  const { ok, block: fresh } = await fetchBlock(`${block.dataset.vpg}?${new URLSearchParams({ next: block.dataset.vpgNext })}`);
  if (!ok || block.contains(document.activeElement)) return;
  const untouched = [...part(block, "form").querySelectorAll("input:not([type=hidden])")].every(({ value }) => !value);
  replaceParts(block, fresh, untouched ? ["state", "form"] : ["state"]);
  if (part(block, "state").textContent === before) return;
  announceResult(block);
  dispatchChange(block);
  await refreshPage();
}

const ignoringErrors = (action) => action().catch(() => {});

function refreshAtDeadline(block) {
  clearTimeout(timer);
  const ends = [...block.querySelectorAll("time.vpg-until")].map(({ dateTime }) => Date.parse(dateTime) - Date.now());
  const next = Math.min(...ends.filter((left) => left > -MARGIN_MS));
  if (Number.isFinite(next)) timer = setTimeout(() => ignoringErrors(refresh), Math.max(next, 0) + MARGIN_MS);
}

document.addEventListener("submit", onSubmit);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ignoringErrors(refresh));
addEventListener("pageshow", (event) => event.persisted && ignoringErrors(refresh));
addEventListener("pagehide", () => find()?.querySelectorAll("input.vpg-input").forEach((input) => (input.value = "")));
if (find()) refreshAtDeadline(find());
