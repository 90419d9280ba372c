//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.

/// The document of every page.
pub const INDEX: &str = include_str!("index.html");

/// The files that it loads: name, media type, content.
pub const FILES: &[(&str, &str, &[u8])] = &[
    ("actions-QPyfACQi.js", "text/javascript; charset=utf-8", include_bytes!("assets/actions-QPyfACQi.js")),
    ("charts-CRWS1bCi.css", "text/css; charset=utf-8", include_bytes!("assets/charts-CRWS1bCi.css")),
    ("charts-dJVr44PJ.js", "text/javascript; charset=utf-8", include_bytes!("assets/charts-dJVr44PJ.js")),
    ("compare-jyoIQcB0.js", "text/javascript; charset=utf-8", include_bytes!("assets/compare-jyoIQcB0.js")),
    ("drivers-aUf6sNlo.js", "text/javascript; charset=utf-8", include_bytes!("assets/drivers-aUf6sNlo.js")),
    ("empty-CErT3CGX.js", "text/javascript; charset=utf-8", include_bytes!("assets/empty-CErT3CGX.js")),
    ("follows-P_RgCdGR.js", "text/javascript; charset=utf-8", include_bytes!("assets/follows-P_RgCdGR.js")),
    ("icon-D_tdVlo2.svg", "image/svg+xml", include_bytes!("assets/icon-D_tdVlo2.svg")),
    ("index-CZk9eJt1.js", "text/javascript; charset=utf-8", include_bytes!("assets/index-CZk9eJt1.js")),
    ("index-D2muYxmC.css", "text/css; charset=utf-8", include_bytes!("assets/index-D2muYxmC.css")),
    ("new-CMvAz42D.js", "text/javascript; charset=utf-8", include_bytes!("assets/new-CMvAz42D.js")),
    ("sortable-BSw2TRMN.js", "text/javascript; charset=utf-8", include_bytes!("assets/sortable-BSw2TRMN.js")),
    ("stop-DONwnBuc.js", "text/javascript; charset=utf-8", include_bytes!("assets/stop-DONwnBuc.js")),
    ("test-DB9VxtP5.js", "text/javascript; charset=utf-8", include_bytes!("assets/test-DB9VxtP5.js")),
    ("tests-BQQo1LtN.js", "text/javascript; charset=utf-8", include_bytes!("assets/tests-BQQo1LtN.js")),
];
