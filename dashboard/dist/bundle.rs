//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-AhClhwVJ.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-AhClhwVJ.js")),
    ("compare-BRr3Lj7w.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BRr3Lj7w.js")),
    ("copy-BVLmYvUQ.js", "text/javascript; charset=utf-8", include_bytes!("assets/copy-BVLmYvUQ.js")),
    ("drivers-KXnSOty8.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-KXnSOty8.js")),
    ("empty-DallZ-nB.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-DallZ-nB.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-DVRuxAXj.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-DVRuxAXj.js")),
    ("index-wxhdqMsR.css", "text/css; charset=utf-8", include_bytes!("assets/index-wxhdqMsR.css")),
    ("new-Cg8Q6gv3.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-Cg8Q6gv3.js")),
    ("test-CHkj3CZa.css", "text/css; charset=utf-8", include_bytes!("assets/test-CHkj3CZa.css")),
    ("test-DStMhMs-.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-DStMhMs-.js")),
    ("tests-BSOxOpFb.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-BSOxOpFb.js")),
    ("verdict-Dzhib704.js", "text/javascript; charset=utf-8", include_bytes!("assets/verdict-Dzhib704.js")),
];
