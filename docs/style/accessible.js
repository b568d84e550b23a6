"use strict";

// What the theme leaves out for those who do not see the page, or use no mouse.
addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2");
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "This page");
  const article = document.querySelector("article"); // that of the search has no heading
  if (article && !article.querySelector("h1")) article.insertAdjacentHTML("afterbegin", "<h1>Search</h1>");

  const scrolled = document.querySelectorAll("pre, .formula, .table-wrapper");
  const reach = () => {
    for (const one of scrolled) one.scrollWidth > one.clientWidth ? (one.tabIndex = 0) : one.removeAttribute("tabindex");
  };
  addEventListener("resize", reach);
  reach();
});
