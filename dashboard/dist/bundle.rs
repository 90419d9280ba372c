//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-Cabc1UIl.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-Cabc1UIl.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-Dq2JFUju.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-Dq2JFUju.js")),
    ("compare-TTdCq9-L.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-TTdCq9-L.js")),
    ("drivers-BTsKax1q.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-BTsKax1q.js")),
    ("empty-B4qf_J7B.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-B4qf_J7B.js")),
    ("follows-DRvvQXvY.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-DRvvQXvY.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-Bgjuxdci.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-Bgjuxdci.js")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("new-3dJI5Eqs.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-3dJI5Eqs.js")),
    ("sortable-DVGwRfxC.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-DVGwRfxC.js")),
    ("stop-C61P8A5H.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-C61P8A5H.js")),
    ("test-oQFwsrEw.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-oQFwsrEw.js")),
    ("tests-CVPaqBOP.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-CVPaqBOP.js")),
];
