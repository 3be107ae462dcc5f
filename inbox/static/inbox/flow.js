// Remembers whether *Complete and next* lies open. Without this script a button beside it does the same.
(() => {
  const YEAR = 31536000;

  const remember = (isOpen) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `finish=${isOpen ? "next" : ""}; Path=/inbox/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  };

  document.addEventListener("DOMContentLoaded", () => {
    const finish = document.getElementById("finish");
    if (!finish) return;
    let isOpen = finish.open;
    finish.addEventListener("toggle", () => {
      // A browser tells of the state that the page came with as well.
      if (finish.open !== isOpen) remember(finish.open);
      isOpen = finish.open;
    });
  });
})();
