// A button beside each text that is to be copied. Without a clipboard (plain HTTP), one click still selects the text.
for (const text of navigator.clipboard ? document.querySelectorAll("dd > .registry-copy") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "registry-copy-button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${text.textContent}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
  text.after(" ", button);
}
