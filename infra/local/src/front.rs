//! The HTTP front: API Gateway's part.

use crate::controls::{self, Controls};
use crate::envelope::Problem;
use crate::functions::Function;
use crate::invocations::Invocations;
use crate::route::Routes;
use crate::simulated::tenant_of;
use crate::waited::Waited;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::serve::ListenerExt;
use axum::{Router, serve};
use http::{Method, Request};
use http_body_util::LengthLimitError;
use platform::dynamo::Store;
use simulator::Simulator;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// API Gateway's limit on a request's body.
const BODY: usize = 10 * 1024 * 1024;
/// API Gateway's limit on the request line and the headers.
const HEAD: usize = 10_240;

/// The routes and the functions behind them.
pub(crate) struct Front {
    pub(crate) routes: Routes,
    /// In the order of the template.
    pub(crate) functions: Vec<Arc<Function>>,
    pub(crate) invocations: Invocations,
    pub(crate) simulator: Simulator,
    /// Whose the drop-in webhook path is.
    pub(crate) single_tenant: Option<String>,
    /// For those who wait for what comes of a webhook.
    pub(crate) store: Store,
    pub(crate) controls: Controls,
}

/// Serves the front until `stop` turns true, then lets the requests that are under way end.
pub(crate) async fn serve_front(listener: TcpListener, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
    let local = Router::new()
        .route("/status", get(controls::status))
        .route("/clock", put(controls::clock))
        .route("/sweep", post(controls::sweep))
        .route("/faults", put(controls::faults))
        .route("/calls", get(controls::calls))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found() })
        .with_state(front.controls.clone());
    let simulator = front.simulator.router();
    let router = Router::new()
        .nest("/_local", local)
        .nest_service("/_sim", simulator)
        .fallback(dispatch)
        .with_state(front);
    // Small answers must not wait for more to send.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let stopped = async move {
        let _gone = stop.wait_for(|stop| *stop).await;
    };
    // What API Gateway tells a function about the caller, for keys that may be used from some addresses only.
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the HTTP front ended");
    }
}

async fn dispatch(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    if head_size(&request) > HEAD {
        return Problem::headers_too_large().into_response();
    }
    let found = front.routes.find(request.method().as_str(), request.uri().path());
    let Some(function) = found.and_then(|index| front.functions.get(index)) else {
        return Problem::not_found().into_response();
    };
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, BODY).await {
        Ok(body) => body,
        Err(error) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            return Problem::payload_too_large().into_response();
        }
        Err(_) => return Problem::invalid("The body ended early.").into_response(),
    };
    // A webhook that was taken came from the provider, whoever posted it: then the provider knows what it says.
    let heard = tenant_of(parts.uri.path(), front.single_tenant.as_deref())
        .filter(|_| parts.method == Method::POST)
        .map(|tenant| (tenant.to_owned(), body.clone()));
    let waited = match &heard {
        Some((tenant, body)) => Waited::begin(&front.store, parts.uri.query(), tenant, body).await,
        None => None,
    };
    let answer = function.answer(Request::from_parts(parts, body), &front.invocations).await;
    let Some((tenant, body)) = heard.filter(|_| answer.status().is_success()) else { return answer };
    front.simulator.heard(&tenant, &body);
    match waited {
        Some(waited) => waited.end(&front.controls, &front.store, answer).await,
        None => answer,
    }
}

/// The request line and the headers as they travelled.
fn head_size(request: &Request<Body>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>()
}
