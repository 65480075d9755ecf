package main

import (
	"log"
	"net"

	"github.com/jackc/pgx/v5/pgproto3"
)

// acceptAll is a PostgreSQL server that lets everybody in and waits until they leave.
func acceptAll(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(connection.(*net.TCPConn))
	}
}

func answer(connection *net.TCPConn) {
	defer connection.Close()
	_ = connection.SetLinger(0) // thousands of connections in TIME_WAIT would use up the ports
	backend := pgproto3.NewBackend(connection, connection)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: 1})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := backend.Flush(); err != nil {
		return
	}
	for {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		if _, ends := message.(*pgproto3.Terminate); ends {
			return
		}
	}
}
