//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-4iGqgDzV.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-4iGqgDzV.js")),
    ("compare-BaDprv-h.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BaDprv-h.js")),
    ("copy-DsrleCZi.js", "text/javascript; charset=utf-8", include_bytes!("assets/copy-DsrleCZi.js")),
    ("drivers-0Aaiq9N1.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-0Aaiq9N1.js")),
    ("empty-B_3vG2S2.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-B_3vG2S2.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-Bxjh5AmQ.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-Bxjh5AmQ.js")),
    ("index-wxhdqMsR.css", "text/css; charset=utf-8", include_bytes!("assets/index-wxhdqMsR.css")),
    ("new-DUcfyMrH.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-DUcfyMrH.js")),
    ("test-CHkj3CZa.css", "text/css; charset=utf-8", include_bytes!("assets/test-CHkj3CZa.css")),
    ("test-nF0xrlIj.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-nF0xrlIj.js")),
    ("tests-CWifjyYw.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-CWifjyYw.js")),
    ("verdict-DPqYZ2Ac.js", "text/javascript; charset=utf-8", include_bytes!("assets/verdict-DPqYZ2Ac.js")),
];
