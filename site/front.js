// @ts-check
// The front page's explorer plays once by itself, when it comes into sight; not where less motion is wished for, and not once
// somebody is at it.
(() => {
  const { course } = window;
  const LATER = 700; // ms, in which the page comes to rest

  course.furnish = ({ view }) => {
    const { root, motion } = view;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || course.linked) return;
    const seen = new IntersectionObserver(
      ([{ isIntersecting }]) => {
        if (!isIntersecting) return;
        leave();
        setTimeout(() => {
          if (!touched) motion.play(true);
        }, LATER);
      },
      { threshold: 0.5 },
    );
    let touched = false;
    const touch = () => {
      touched = true;
      leave();
    };
    const leave = () => seen.disconnect();
    for (const coming of ["pointerdown", "keydown", "focusin"]) root.addEventListener(coming, touch, { once: true });
    seen.observe(view.grids);
  };
})();
