//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-DKjJ7BWN.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-DKjJ7BWN.js")),
    ("charts-Bv4op8mf.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-Bv4op8mf.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("compare-BVbkv6a4.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-BVbkv6a4.js")),
    ("drivers-ZTJ8xIGS.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-ZTJ8xIGS.js")),
    ("empty-CFjm5L94.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-CFjm5L94.js")),
    ("follows-Z8qhvv3C.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-Z8qhvv3C.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("index-Hu5iCRqd.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-Hu5iCRqd.js")),
    ("new-Dw8jocNR.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-Dw8jocNR.js")),
    ("sortable-D2mLgpH0.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-D2mLgpH0.js")),
    ("stop-BIt7DJmN.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-BIt7DJmN.js")),
    ("test-CnEumYJg.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-CnEumYJg.js")),
    ("tests-B49q9JQX.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-B49q9JQX.js")),
];
