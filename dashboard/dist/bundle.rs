//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-CDjuiqLm.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-CDjuiqLm.js")),
    ("compare-CYXOovtv.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-CYXOovtv.js")),
    ("copy-BQVWXHH9.js", "text/javascript; charset=utf-8", include_bytes!("assets/copy-BQVWXHH9.js")),
    ("drivers-C-WbS01-.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-C-WbS01-.js")),
    ("empty-DxyQP4E-.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-DxyQP4E-.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-CW2qcJbH.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-CW2qcJbH.js")),
    ("index-wxhdqMsR.css", "text/css; charset=utf-8", include_bytes!("assets/index-wxhdqMsR.css")),
    ("new-C0gHQBMM.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-C0gHQBMM.js")),
    ("test-CHkj3CZa.css", "text/css; charset=utf-8", include_bytes!("assets/test-CHkj3CZa.css")),
    ("test-Dos0P7ZE.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-Dos0P7ZE.js")),
    ("tests-Ppuu8yA-.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-Ppuu8yA-.js")),
    ("verdict-BebCmfWz.js", "text/javascript; charset=utf-8", include_bytes!("assets/verdict-BebCmfWz.js")),
];
