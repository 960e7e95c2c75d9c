// Everything works without this file; it only saves a few steps.
(function () {
  "use strict";

  // Show and hide the password.
  document.querySelectorAll("input[data-show]").forEach(function (input) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "reveal";
    button.textContent = input.dataset.show;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", function () {
      var hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? input.dataset.hide : input.dataset.show;
      button.setAttribute("aria-pressed", String(hidden));
      input.focus();
    });
    input.parentNode.appendChild(button);
    input.form.addEventListener("submit", function () { input.type = "password"; });

    // Caps Lock is the most common cause of a wrong password.
    var hint = document.createElement("p");
    hint.className = "hint";
    hint.setAttribute("role", "status");
    input.parentNode.parentNode.appendChild(hint);
    input.addEventListener("keyup", function (event) {
      if (!event.getModifierState) return;
      hint.textContent = event.getModifierState("CapsLock") ? input.dataset.caps : "";
    });
  });

  // A second click on a slow line must not send the form twice.
  document.querySelectorAll("form[method=post]").forEach(function (form) {
    var sent = 0;
    form.addEventListener("submit", function (event) {
      if (Date.now() - sent < 8000) { event.preventDefault(); return; }
      sent = Date.now();
      form.setAttribute("aria-busy", "true");
    });
    window.addEventListener("pageshow", function () { sent = 0; form.removeAttribute("aria-busy"); });
  });
})();
