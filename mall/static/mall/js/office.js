/** Names for the fields that Select2 draws: it takes none from the label of the field that it replaces. */

function nameParts(drawn) {
  const field = drawn.previousElementSibling;
  const label = field?.labels?.[0]?.textContent.trim().replace(/:$/, "");
  if (!label) return;
  for (const part of drawn.querySelectorAll("[role=combobox], [role=textbox]")) part.setAttribute("aria-label", label);
}

function nameAll() {
  for (const drawn of document.querySelectorAll(".select2-container")) nameParts(drawn);
}

new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
nameAll();
