//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-BcoYntP-.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-BcoYntP-.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-DU8ACGwy.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-DU8ACGwy.js")),
    ("compare-Bbco9oht.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-Bbco9oht.js")),
    ("drivers-CUyyIWWI.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-CUyyIWWI.js")),
    ("empty-B5LWRbIk.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-B5LWRbIk.js")),
    ("follows-HgKm1YuZ.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-HgKm1YuZ.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-COuo0Qwq.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-COuo0Qwq.js")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("new-De_3ioiF.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-De_3ioiF.js")),
    ("sortable-CLTkqqgV.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-CLTkqqgV.js")),
    ("stop-BwKGt77f.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-BwKGt77f.js")),
    ("test-0ALfBnHH.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-0ALfBnHH.js")),
    ("tests-CBKd0afT.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-CBKd0afT.js")),
];
