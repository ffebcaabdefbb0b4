/** Names for the fields that Select2 draws: it takes none from the label of the field that it replaces. */

addEventListener("load", () => {
  for (const drawn of document.querySelectorAll(".select2-container")) {
    const field = drawn.previousElementSibling;
    const label = field?.labels?.[0]?.textContent.trim().replace(/:$/, "");
    if (!label) continue;
    for (const part of drawn.querySelectorAll("[role=combobox], [role=textbox]"))
      part.setAttribute("aria-label", label);
  }
});
