//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-Df2kiuJQ.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-Df2kiuJQ.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-DiuY8LtJ.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-DiuY8LtJ.js")),
    ("compare-BBmyBFD9.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BBmyBFD9.js")),
    ("drivers-BviupH4u.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-BviupH4u.js")),
    ("empty-B7PP3MGU.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-B7PP3MGU.js")),
    ("follows-Br-RE6Tb.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-Br-RE6Tb.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-CQQTkMiM.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-CQQTkMiM.js")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("new-BljF_NHD.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-BljF_NHD.js")),
    ("sortable-BWVqNGy7.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-BWVqNGy7.js")),
    ("stop-D4aAxEBE.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-D4aAxEBE.js")),
    ("test-BXEQBOuU.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-BXEQBOuU.js")),
    ("tests-Dnw9kTyh.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-Dnw9kTyh.js")),
];
