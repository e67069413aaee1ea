//! The listener: accepts connections, bounds them, and stops in good order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use smallhands_shell_runtime::{LocalOptions, LocalRuntime, RuntimeError};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::options::ServerOptions;
use crate::patient::Patient;
use crate::wire::MOST_OUTPUT;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 4096;

/// Most bytes of a request's head.
const HEAD_BYTES: usize = 64 << 10;

/// Rest after a failure to accept, such as too many open files.
const RECOVERY: Duration = Duration::from_millis(50);

/// How often what was kept too long is given up.
const SWEEP: Duration = Duration::from_secs(30);

/// How long the end may take.
const STOPPING: Duration = Duration::from_millis(1500);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose another with --host and --port (0 takes a free port)"
    )]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime cannot be set up.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: Arc<App>,
}

impl Server {
    /// Starts to listen. Requests are answered by [`Server::run`].
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(options: ServerOptions) -> Result<Self, StartError> {
        let address = format!("{}:{}", options.host, options.port);
        let failed = |source| StartError::Listen { address: address.clone(), source };
        let listener = listen(&options).await.map_err(failed)?;
        let runtime = LocalRuntime::new(LocalOptions {
            root: options.root.clone(),
            env: options.env.clone(),
            limits: options.limits,
            file_access: options.file_access,
            startup_files: true,
            output_limit: MOST_OUTPUT,
        })?;
        Ok(Self { listener, app: Arc::new(App::new(runtime, options)) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until `stop` is there, then ends everything that was started.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, app } = self;
        app.runtime.prepare();
        let room = Arc::new(Semaphore::new(app.options.connections));
        let sweeper = tokio::spawn(sweep(Arc::clone(&app)));
        tokio::select! {
            () = accept(&listener, &app, &room) => {}
            () = stop => {}
        }
        drop(listener);
        sweeper.abort();
        if tokio::time::timeout(STOPPING, app.stop()).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
    }
}

async fn listen(options: &ServerOptions) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name means no address");
    for address in tokio::net::lookup_host((options.host.as_str(), options.port)).await? {
        let listening = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        };
        match listening() {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn sweep(app: Arc<App>) {
    let mut every = tokio::time::interval(SWEEP);
    loop {
        every.tick().await;
        app.kept.sweep();
    }
}

async fn accept(listener: &TcpListener, app: &Arc<App>, room: &Arc<Semaphore>) {
    loop {
        match listener.accept().await {
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(RECOVERY).await;
            }
            Ok((stream, _)) => match Arc::clone(room).try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(serve(stream, Arc::clone(app), permit));
                }
                Err(_) => refuse(&stream),
            },
        }
    }
}

/// Tells a client that there are too many.
fn refuse(stream: &TcpStream) {
    const WORDS: &str = r#"{"detail":"too many connections; close some or try again later"}"#;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{WORDS}",
        WORDS.len()
    );
    // A client that does not take it at once has to live without it.
    let _ = stream.try_write(answer.as_bytes());
}

/// Waits until a connection says something. One that does not costs a small task and no buffer.
async fn serve(stream: TcpStream, app: Arc<App>, permit: OwnedSemaphorePermit) {
    let patience = app.options.head_timeout;
    // Peeking and not asking for readiness, which is taken for granted at first.
    let said = tokio::time::timeout(patience, stream.peek(&mut [0])).await;
    if matches!(said, Ok(Ok(1))) {
        app.connections.fetch_add(1, Ordering::Relaxed);
        Box::pin(converse(stream, Arc::clone(&app))).await;
        app.connections.fetch_sub(1, Ordering::Relaxed);
    }
    drop(permit);
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, app: Arc<App>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small answers may be delayed");
    }
    let head_timeout = app.options.head_timeout;
    let stream = Patient::new(stream, app.options.stall_timeout);
    let service = service_fn(move |request| {
        // Boxed, so that a connection between requests does not hold the room for one.
        let answer = Box::pin(Arc::clone(&app).answer(request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
}
