/** The only script of our pages: it shows and serves the buttons that copy an address. */

/** Its source, for browsers. Without it the buttons stay hidden. */
export const COPY_SCRIPT = `
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const address = new URL(button.dataset.copy, location.href).href;
    let done = true;
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      // Pages that came by plain HTTP have no clipboard but this one.
      const field = document.createElement("textarea");
      field.value = address;
      document.body.append(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => button.textContent = label, 1500);
  });
}
`;
