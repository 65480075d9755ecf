package main

import (
	"context"
	"net/http"
)

type application struct {
	cfg *configWatcher

	audit     *orderAudit
	quotes    *quoteBroker
	sessions  *sessionService
	webhooks  *webhookDispatcher
	uploads   *uploadScanner
	payments  *paymentGateway
	bus       *notificationBus
	renderer  *reportRenderer
	inventory *stockKeeper
	tracker   *shipmentTracker
	catalog   *catalogService
	prices    *priceBook
	partners  *partnerRates
	presence  *presenceHub

	products *productCatalog
	thumbs   *thumbnailer
	mailer   *orderMailer
	tokens   *tokenSessions
	latency  *latencyWindow
	jobs     *jobPool
	events   *eventCollector
	coupons  *couponDesk
	exchange *exchangeDesk
	exporter *ledgerExporter
	limits   *clientLimiter
	carriers *carrierDesk
	geo      *geoResolver
	feed     *activityFeed
}

func newApplication(ctx context.Context, cfg *configWatcher) *application {
	return &application{
		cfg:       cfg,
		audit:     newOrderAudit(),
		quotes:    newQuoteBroker(),
		sessions:  newSessionService(ctx),
		webhooks:  newWebhookDispatcher(),
		uploads:   newUploadScanner(),
		payments:  newPaymentGateway(),
		bus:       newNotificationBus(ctx),
		renderer:  newReportRenderer(),
		inventory: newStockKeeper(ctx),
		tracker:   newShipmentTracker(),
		catalog:   newCatalogService(),
		prices:    newPriceBook(),
		partners:  newPartnerRates(ctx),
		presence:  newPresenceHub(),

		products: newProductCatalog(3000),
		thumbs:   newThumbnailer(),
		mailer:   newOrderMailer(),
		tokens:   newTokenSessions(ctx),
		latency:  newLatencyWindow(1024),
		jobs:     newJobPool(ctx, 8, 512),
		events:   newEventCollector(ctx),
		coupons:  newCouponDesk(),
		exchange: newExchangeDesk(),
		exporter: newLedgerExporter(),
		limits:   newClientLimiter(ctx, 500),
		carriers: newCarrierDesk(),
		geo:      &geoResolver{},
		feed:     newActivityFeed(),
	}
}

func (a *application) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /orders/status", a.audit.HandleStatus)
	mux.HandleFunc("GET /quotes/compare", a.quotes.HandleCompare)
	mux.HandleFunc("GET /sessions/login", a.sessions.HandleLogin)
	mux.HandleFunc("GET /webhooks/dispatch", a.webhooks.HandleDispatch)
	mux.HandleFunc("GET /uploads/scan", a.uploads.HandleScan)
	mux.HandleFunc("GET /payments/authorize", a.payments.HandleAuthorize)
	mux.HandleFunc("GET /notifications/unread", a.bus.HandleUnread)
	mux.HandleFunc("GET /reports/render", a.renderer.HandleRender)
	mux.HandleFunc("GET /inventory/reserve", a.inventory.HandleReserve)
	mux.HandleFunc("GET /shipping/track", a.tracker.HandleTrack)
	mux.HandleFunc("GET /catalog/search", a.catalog.HandleSearch)
	mux.HandleFunc("GET /pricing/recalculate", a.prices.HandleRecalculate)
	mux.HandleFunc("GET /partners/rates", a.partners.HandleRates)
	mux.HandleFunc("GET /chat/presence", a.presence.HandlePresence)

	mux.HandleFunc("GET /products/detail", a.products.HandleDetail)
	mux.HandleFunc("GET /images/thumbnail", a.thumbs.HandleThumbnail)
	mux.HandleFunc("GET /orders/confirm", a.mailer.HandleConfirm)
	mux.HandleFunc("GET /sessions/touch", a.tokens.HandleTouch)
	mux.HandleFunc("GET /metrics/latency", a.latency.HandleLatency)
	mux.HandleFunc("GET /jobs/enqueue", a.jobs.HandleEnqueue)
	mux.HandleFunc("GET /events/track", a.events.HandleTrack)
	mux.HandleFunc("GET /coupons/hold", a.coupons.HandleHold)
	mux.HandleFunc("GET /exchange/rate", a.exchange.HandleRate)
	mux.HandleFunc("GET /reports/ledger", a.exporter.HandleExport)
	mux.HandleFunc("GET /account/limits", a.limits.HandleLimits)
	mux.HandleFunc("GET /carriers/quotes", a.carriers.HandleQuotes)
	mux.HandleFunc("GET /geo/lookup", a.geo.HandleLookup)
	mux.HandleFunc("GET /feed/stream", a.feed.HandleStream)
}
