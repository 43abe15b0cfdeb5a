;;; dape.el --- dape debugs a recording -*- lexical-binding: t -*-
;; dape itself reads the configuration of docs/how-to/editors.md and walks through the recording of
;; program.py: `emacs -q --batch -l'. Status 77: there is no dape.
;; CT_SNIPPET: the configuration. CT_DAPE: dape's directory, where it is not an installed package.

(if (getenv "CT_DAPE")
    (add-to-list 'load-path (getenv "CT_DAPE"))
  (package-initialize))
(unless (require 'dape nil t) (kill-emacs 77))
(load (getenv "CT_SNIPPET") nil t)

(defvar ct-stops 0)
(add-hook 'dape-stopped-hook (lambda () (setq ct-stops (1+ ct-stops))))

(defun ct-connection () (dape--live-connection 'parent t))
(defun ct-frame () (and (ct-connection) (dape--current-stack-frame (ct-connection))))

(defun ct-wait (what ready)
  (let ((left 1200))
    (while (not (funcall ready))
      (when (zerop (setq left (1- left))) (error "%s did not come: %S" what (ct-frame)))
      (accept-process-output nil 0.05))))

(defun ct-go (command line)
  "Call COMMAND, which must stop at LINE."
  (let ((stops ct-stops) (frame (ct-frame)))
    (funcall command)
    (ct-wait (format "%s to line %d" command line)
             (lambda ()
               (and (> ct-stops stops)
                    (not (eq frame (ct-frame)))
                    (eql line (plist-get (ct-frame) :line)))))))

(defun ct-move (command line)
  (ct-go (lambda () (call-interactively command)) line))

(defun ct-expect (expected found)
  (unless (equal expected found) (error "%S is not %S" found expected)))

(defun ct-value (expression)
  (let (found)
    (dape--evaluate-expression
     (ct-connection) (plist-get (ct-frame) :id) expression "repl"
     (lambda (body error) (setq found (or error (plist-get body :result)))))
    (ct-wait expression (lambda () found))
    found))

(defun ct-locals ()
  "The names and values dape shows of the frame's variables."
  (let ((frame (ct-frame)) (found nil))
    (dape--variables-recursive
     (ct-connection) frame nil
     (lambda (path &rest _) (length< path 2))
     (lambda (&rest _) (setq found t)))
    (ct-wait "variables" (lambda () found))
    (mapcar (lambda (variable) (cons (plist-get variable :name) (plist-get variable :value)))
            (plist-get (seq-find (lambda (scope) (equal (plist-get scope :name) "Locals"))
                                 (plist-get frame :scopes))
                       :variables))))

(defun ct-completions (text)
  "What dape's REPL offers for the last word of TEXT."
  (with-current-buffer "*dape-repl*"
    (goto-char (point-max))
    (insert text)
    (let ((found (dape--repl-completion-at-point)))
      (all-completions (buffer-substring (nth 0 found) (nth 1 found)) (nth 2 found)))))

(find-file "program.py")
(goto-char (point-min))
(forward-line 9)
(dape-breakpoint-toggle)
(ct-go (lambda () (dape (dape--config-eval 'codetracer-python nil))) 1)
(ct-move #'dape-continue 10)
(ct-expect "0" (ct-value "n + i"))
(ct-expect "'k'" (alist-get "key" (ct-locals) nil nil #'equal))
(ct-expect '("name__") (ct-completions "__na"))
(ct-move #'dape-next 9)
(ct-move #'codetracer-python-step-back 10)
(ct-move #'dape-continue 10)
(ct-expect "1" (ct-value "i"))
(ct-move #'codetracer-python-reverse-continue 10)
(ct-expect "0" (ct-value "i"))
(ct-move #'dape-step-out 23)
(ct-expect "main" (plist-get (ct-frame) :name))

;; It asks to terminate whenever it hears that the program has: that must come to an end.
(let ((terminations 0))
  (advice-add 'dape-request :before
              (lambda (_ command &rest _)
                (when (eq command :terminate) (setq terminations (1+ terminations)))))
  (call-interactively #'dape-quit)
  (ct-wait "the end" (lambda () (not (ct-connection))))
  (unless (< terminations 4) (error "dape asked %d times to terminate" terminations)))
