//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-Aq_lFqtG.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-Aq_lFqtG.js")),
    ("charts-Bax3z-i8.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-Bax3z-i8.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("compare-D7NkCzJO.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-D7NkCzJO.js")),
    ("drivers-D9dpuA3y.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-D9dpuA3y.js")),
    ("empty-C32K2XAm.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-C32K2XAm.js")),
    ("follows-0Qfb06we.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-0Qfb06we.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-B_5iGBNp.css", "text/css; charset=utf-8", include_bytes!("assets/index-B_5iGBNp.css")),
    ("index-D1eYPfhE.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-D1eYPfhE.js")),
    ("load-DwQLMaAC.js", "text/javascript; charset=utf-8", include_bytes!("assets/load-DwQLMaAC.js")),
    ("new-bK9wNZWs.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-bK9wNZWs.js")),
    ("sortable-DcXZkANz.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-DcXZkANz.js")),
    ("test-Cz6vnvCG.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-Cz6vnvCG.js")),
    ("tests-BHV5dyqR.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-BHV5dyqR.js")),
];
