;;; emacs.el --- Reads the configuration of docs/how-to/editors.md -*- lexical-binding: t -*-
;; In place of dape it starts what that says and opens the recording: `emacs -Q --batch -l'.
;; CT_SNIPPET: the configuration.

(require 'json)

(defvar dape-configs nil)
(defvar dape-repl-commands nil)
(provide 'dape)
(defun dape-cwd () (directory-file-name (expand-file-name default-directory)))
(defun dape-command-cwd () (dape-cwd))
(load (getenv "CT_SNIPPET") nil t)

(defvar ct-heard "")
(defvar ct-seq 0)

(defun ct-ask (process command arguments)
  (let ((body (json-encode `((seq . ,(setq ct-seq (1+ ct-seq))) (type . "request")
                             (command . ,command) (arguments . ,arguments)))))
    (process-send-string
     process (format "Content-Length: %d\r\n\r\n%s" (string-bytes body) body))))

(defun ct-wait (process what)
  (let ((left 600))
    (while (not (string-match-p (regexp-quote what) ct-heard))
      (when (zerop (setq left (1- left))) (error "%s did not come: %s" what ct-heard))
      (accept-process-output process 0.1))))

(let* ((config (alist-get 'codetracer-python dape-configs))
       (settings (memq 'command config))
       (arguments nil)
       (process nil))
  (while (not (eq (car config) 'command)) (setq config (cdr config)))
  (let ((at config))
    (while at
      (when (keywordp (car at)) ; as dape calls what is the name of a function
        (let ((value (cadr at)))
          (push (cons (intern (substring (symbol-name (car at)) 1))
                      (if (functionp value) (funcall value) value))
                arguments)))
      (setq at (cddr at))))
  (setq process
        (make-process
         :name "ct" :coding 'binary :connection-type 'pipe
         :command (cons (plist-get settings 'command)
                        (append (plist-get settings 'command-args) nil))
         :filter (lambda (_ text) (setq ct-heard (concat ct-heard text)))))
  (set-process-query-on-exit-flag process nil)
  (ct-ask process "initialize" '((adapterID . "dape") (linesStartAt1 . t) (pathFormat . "path")))
  (ct-wait process "\"supportsStepBack\":true")
  (ct-ask process (alist-get 'request arguments) arguments)
  (ct-wait process "\"event\":\"initialized\"")
  (ct-ask process "configurationDone" nil)
  (ct-wait process "\"reason\":\"entry\"")
  (ct-ask process "next" '((threadId . 1)))
  (ct-wait process "\"reason\":\"step\"")
  (ct-ask process "disconnect" nil)
  (while (process-live-p process) (accept-process-output process 0.1))
  (unless (zerop (process-exit-status process)) (error "ct did not end well")))
