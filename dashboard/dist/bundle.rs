//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-CLaqc9YP.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-CLaqc9YP.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-CSG8kp_0.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-CSG8kp_0.js")),
    ("compare-DC9e6NQG.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-DC9e6NQG.js")),
    ("drivers-BFxdKheN.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-BFxdKheN.js")),
    ("empty-BSSgZvKC.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-BSSgZvKC.js")),
    ("follows-jNtrJGVk.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-jNtrJGVk.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-Cx--zcCN.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-Cx--zcCN.js")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("new-Daq4K6H6.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-Daq4K6H6.js")),
    ("sortable-BxeVTqko.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-BxeVTqko.js")),
    ("stop-Dn4rE19E.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-Dn4rE19E.js")),
    ("test-CJeBkmUR.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-CJeBkmUR.js")),
    ("tests-Caw3nPnB.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-Caw3nPnB.js")),
];
