//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-NzSYXOPD.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-NzSYXOPD.js")),
    ("charts-04v-uoRi.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-04v-uoRi.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("compare-CDdb0sRL.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-CDdb0sRL.js")),
    ("drivers-DzbmqREh.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-DzbmqREh.js")),
    ("empty-Csfip5Dl.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-Csfip5Dl.js")),
    ("follows-D71q9Rpc.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-D71q9Rpc.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-B_5iGBNp.css", "text/css; charset=utf-8", include_bytes!("assets/index-B_5iGBNp.css")),
    ("index-DxVOO7S5.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-DxVOO7S5.js")),
    ("load-DxQslwRN.js", "text/javascript; charset=utf-8", include_bytes!("assets/load-DxQslwRN.js")),
    ("new-BBUAK97H.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-BBUAK97H.js")),
    ("sortable-D8BAlf5A.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-D8BAlf5A.js")),
    ("test-Bmp9gZ9u.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-Bmp9gZ9u.js")),
    ("tests-Jd8sFVPQ.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-Jd8sFVPQ.js")),
];
