//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-4UM7ptL3.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-4UM7ptL3.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-Di4qbTBa.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-Di4qbTBa.js")),
    ("compare-BkeDNT5o.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BkeDNT5o.js")),
    ("drivers-BHQ2VyZW.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-BHQ2VyZW.js")),
    ("empty-CaeAI9Mr.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-CaeAI9Mr.js")),
    ("follows-BdDNdmOW.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-BdDNdmOW.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-BK8lO7IC.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-BK8lO7IC.js")),
    ("index-D_wom8I1.css", "text/css; charset=utf-8", include_bytes!("assets/index-D_wom8I1.css")),
    ("load-BIIA2AuS.js", "text/javascript; charset=utf-8", include_bytes!("assets/load-BIIA2AuS.js")),
    ("new-DflhqT-c.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-DflhqT-c.js")),
    ("sortable-DmWrAi0t.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-DmWrAi0t.js")),
    ("test-AeN5W2th.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-AeN5W2th.js")),
    ("tests-Dmr321Mo.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-Dmr321Mo.js")),
];
