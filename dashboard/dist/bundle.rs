//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-5CBzQ2c2.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-5CBzQ2c2.js")),
    ("charts-BW0rU4f9.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-BW0rU4f9.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("compare-CDVZfQ7m.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-CDVZfQ7m.js")),
    ("drivers-D4sD64Vb.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-D4sD64Vb.js")),
    ("empty-DFJ5RqdJ.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-DFJ5RqdJ.js")),
    ("follows-Cys_R03U.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-Cys_R03U.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-B_5iGBNp.css", "text/css; charset=utf-8", include_bytes!("assets/index-B_5iGBNp.css")),
    ("index-DUcUmapK.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-DUcUmapK.js")),
    ("load-YWLzXEj_.js", "text/javascript; charset=utf-8", include_bytes!("assets/load-YWLzXEj_.js")),
    ("new-BMYCKFZN.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-BMYCKFZN.js")),
    ("sortable-nt4Jew9f.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-nt4Jew9f.js")),
    ("test-Dui5Bs_o.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-Dui5Bs_o.js")),
    ("tests-J4UetOUF.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-J4UetOUF.js")),
];
