//! What both layers have in common.

/// A layer, its service and its future.
macro_rules! grpc_layer {
    (
        $(#[$doc:meta])* $Layer:ident, $Service:ident, $Future:ident, $begin:path,
        if |$request:ident| $wanted:expr, [$($settings:item)*]
    ) => {
        $(#[$doc])*
        pub struct $Layer<K = (Typed, Typed)> {
            settings: Arc<Settings>,
            kinds: PhantomData<fn() -> K>,
        }

        impl<K> Default for $Layer<K> {
            fn default() -> Self {
                Self { settings: Arc::default(), kinds: PhantomData }
            }
        }

        impl<K> Clone for $Layer<K> {
            fn clone(&self) -> Self {
                Self { settings: Arc::clone(&self.settings), kinds: PhantomData }
            }
        }

        impl<K> fmt::Debug for $Layer<K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Layer)).field("settings", &self.settings).finish()
            }
        }

        impl<K> $Layer<K> {
            /// A layer with the settings that are the default.
            pub fn new() -> Self {
                Self::default()
            }

            grpc_settings!();

            $($settings)*
        }

        impl<S, K> Layer<S> for $Layer<K> {
            type Service = $Service<S, K>;

            fn layer(&self, inner: S) -> $Service<S, K> {
                $Service { inner, settings: Arc::clone(&self.settings), kinds: PhantomData }
            }
        }

        #[doc = concat!("What [`", stringify!($Layer), "`] makes of a service.")]
        pub struct $Service<S, K = (Typed, Typed)> {
            inner: S,
            settings: Arc<Settings>,
            kinds: PhantomData<fn() -> K>,
        }

        impl<S: Clone, K> Clone for $Service<S, K> {
            fn clone(&self) -> Self {
                Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings), kinds: PhantomData }
            }
        }

        impl<S: fmt::Debug, K> fmt::Debug for $Service<S, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Service)).field("inner", &self.inner).finish_non_exhaustive()
            }
        }

        impl<S, B, R, E, F> Service<Request<B>> for $Service<S, (E, F)>
        where
            S: Service<Request<B>, Response = Response<R>>,
            S::Error: AsError<E>,
            R: Body,
            R::Error: AsError<F>,
        {
            type Response = Response<TracedBody<R>>;
            type Error = S::Error;
            type Future = $Future<S::Future, (E, F)>;

            fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
                self.inner.poll_ready(task)
            }

            #[allow(unused_mut)]
            fn call(&mut self, mut $request: Request<B>) -> Self::Future {
                if !$wanted {
                    return $Future { future: self.inner.call($request), rpc: None, kinds: PhantomData };
                }
                let rpc = $begin(&self.settings, &mut $request);
                let future = rpc.recording().within(|| self.inner.call($request));
                $Future { future, rpc: Some(rpc), kinds: PhantomData }
            }
        }

        pin_project! {
            #[doc = concat!("The answer of a [`", stringify!($Service), "`]. Dropped before it has come, the call was cancelled.")]
            pub struct $Future<F, K> {
                #[pin]
                future: F,
                rpc: Option<Rpc>,
                kinds: PhantomData<fn() -> K>,
            }
        }

        impl<F: fmt::Debug, K> fmt::Debug for $Future<F, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Future)).field("future", &self.future).finish_non_exhaustive()
            }
        }

        impl<F, R, O, E, G> Future for $Future<F, (E, G)>
        where
            F: Future<Output = Result<Response<R>, O>>,
            O: AsError<E>,
            R: Body,
            R::Error: AsError<G>,
        {
            type Output = Result<Response<TracedBody<R>>, O>;

            fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
                let this = self.project();
                let future = this.future;
                let result = match this.rpc.as_ref() {
                    Some(rpc) => ready!(rpc.recording().within(|| future.poll(task))),
                    None => ready!(future.poll(task)),
                };
                let mut rpc = this.rpc.take();
                Poll::Ready(match result {
                    Ok(response) => {
                        if let Some(rpc) = &mut rpc {
                            rpc.answered(&response);
                        }
                        // A body that this side makes runs in the context, recorded or not.
                        let watch = rpc.filter(|rpc| rpc.is_recorded() || rpc.makes_body()).map(Watch::Rpc);
                        let error = <R::Error as AsError<G>>::as_error;
                        Ok(response.map(|body| TracedBody::new(body, watch, error)))
                    }
                    Err(failure) => {
                        if let Some(rpc) = &mut rpc {
                            rpc.failed(failure.as_error());
                        }
                        Err(failure)
                    }
                })
            }
        }
    };
}
pub(super) use grpc_layer;
