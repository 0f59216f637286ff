//! The port: accepts connections and stops without cutting an answer short.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::EmbeddedAws;

/// How long connections may finish what they began once the shutdown is asked for.
const DRAIN: Duration = Duration::from_secs(5);

impl EmbeddedAws {
    /// Serves `listener` until `shutdown` resolves, then ends the long polls and waits up to 5 s for the
    /// requests
    /// that are under way.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let (stopping, stop) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream, stop.clone()));
                    }
                    Err(error) => {
                        // Out of descriptors, mostly: let some connections end.
                        tracing::warn!(%error, "the AWS port cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        stopping.send_replace(true);
        self.sqs().end_long_polls();
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("connections to the AWS port were cut after waiting {DRAIN:?} for them");
        }
    }
}

async fn connection(aws: EmbeddedAws, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    // Small answers must not wait for Nagle's partner.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let aws = aws.clone();
        async move { aws.handle(request).await }
    });
    let mut served =
        pin!(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = &mut served => result,
        // Its result holds a lock, which must not live on.
        () = async { drop(stop.wait_for(|stopping| *stopping).await) } => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to the AWS port ended early");
    }
}
