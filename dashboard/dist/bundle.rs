//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions--9vxCt5N.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions--9vxCt5N.js")),
    ("compare-BBrFUHYc.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BBrFUHYc.js")),
    ("copy-rvtNoUcm.js", "text/javascript; charset=utf-8", include_bytes!("assets/copy-rvtNoUcm.js")),
    ("drivers-DYVpLMMV.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-DYVpLMMV.js")),
    ("empty-DnkS9ys4.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-DnkS9ys4.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-DGmuWBZd.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-DGmuWBZd.js")),
    ("index-wxhdqMsR.css", "text/css; charset=utf-8", include_bytes!("assets/index-wxhdqMsR.css")),
    ("new-B_6Ucwjr.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-B_6Ucwjr.js")),
    ("test-BfWl0hk2.css", "text/css; charset=utf-8", include_bytes!("assets/test-BfWl0hk2.css")),
    ("test-Du_S3xMF.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-Du_S3xMF.js")),
    ("tests-x60QskYy.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-x60QskYy.js")),
    ("verdict-C-hNSkJC.js", "text/javascript; charset=utf-8", include_bytes!("assets/verdict-C-hNSkJC.js")),
];
